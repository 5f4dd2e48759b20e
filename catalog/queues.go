package catalog

var queueModels = []*model{}
