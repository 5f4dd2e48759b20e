package catalog

var lambdaModels = []*model{}
