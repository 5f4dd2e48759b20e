package catalog

var rdsModels = []*model{}
