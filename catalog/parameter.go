package catalog

var parameterModels = []*model{}
