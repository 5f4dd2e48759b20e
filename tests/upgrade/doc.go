// Package upgrade declares what an earlier version of the program declared, read from its golden graph, so that a test can
// deploy it and then the present program over it: an upgrade must not replace or delete anything that holds data.
//
// A golden graph is a paragraph for each resource (see package graph):
//
//	aws:s3/bucketPolicy:BucketPolicy archive
//	  in    logarchive:index:LogArchiveBucket archive
//	  by    archive 222233334444/cn-northwest-1
//	  with  protect, retain on delete
//	  after aws:kms/key:Key archive-key for policy
//	  id    example-log-archive
//	  set   bucket = "example-log-archive"
//	  gets  arn = "..."
//
// What is set is declared again. What AWS draws at random, such as a key's id, is another one in each world: where a
// resource's input has an output of a resource that it waits for, the input is made of the new output.
package upgrade
