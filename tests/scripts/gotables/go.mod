module gotables

go 1.21
