module gtrace.test/subjects

go 1.17
