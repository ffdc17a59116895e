// Package approval takes what people say about the plans that they are asked about, whatever they say it with, and sees to it that it
// counts only where it may: said in time by somebody who is asked, of the plan that is asked about, and allowed by policy at that moment.
//
// What they say is a record of the incident. What it leads to is the incident's own affair: see [incident.Approval].
package approval
