// Package forgery tries to have a plan approved by whatever is not a vote: each case is one row of a table.
//
// The house (house_test.go) is a desk with what people reach it by: the API with tokens and with an identity provider, the console, and Slack. A case
// (forgery_test.go) says who tries what with what. None may be accepted; each is recorded, with the incident where the person is known and in
// the log else; and each is answered in one clear sentence. Another way to reach the desk is a file of rows beside these.
package forgery
