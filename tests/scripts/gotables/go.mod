module gotables

go 1.25
