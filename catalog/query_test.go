package catalog

import "testing"

func TestQueryTypes(t *testing.T) {
	t.Parallel()
	encryption := "configuration.resultConfiguration.encryptionConfiguration"
	check(t, Workgroup, []change{
		{"name", "has spaces", "", "InvalidRequestException", "1 to 128"},
		{"configuration.bytesScannedCutoffPerQuery", 10_485_759, "", "InvalidRequestException", "not between"},
		{encryption + ".encryptionOption", "KMS", "", "InvalidRequestException", "SSE_KMS"},
		{encryption + ".kmsKeyArn", nil, "", "InvalidRequestException", "KmsKey is required"},
		{encryption + ".encryptionOption", "SSE_S3", encryption + ".kmsKeyArn", "InvalidRequestException", "not used"},
		{encryption + ".kmsKeyArn", elsewhere(homeKey), "", "InvalidRequestException", "partition"},
		{"configuration.resultConfiguration.outputLocation", "results", "", "InvalidRequestException", "s3://bucket/prefix/"},
	})
	check(t, NamedQuery, []change{
		{"query", nil, "query", CheckFailure, "required"},
		{"query", long(262145), "", "InvalidRequestException", "262144"},
		{"name", long(129), "", "InvalidRequestException", "1 to 128"},
	})
	check(t, CatalogDatabase, []change{{"name", "Archive", "", "InvalidInputException", "without capital letters"}})
	check(t, CatalogTable, []change{
		{"name", "Logs", "", "InvalidInputException", "without capital letters"},
		{"databaseName", nil, "databaseName", CheckFailure, "required"},
		{"parameters", m{long(256): "x"}, "parameters." + long(256), "InvalidInputException", "255"},
		{"storageDescriptor.location", "s3://" + long(2056), "", "InvalidInputException", "2056"},
	})
}
