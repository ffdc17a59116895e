// Package doctor tries everything a salvor.yaml names, before an incident does: the configuration, the store, each cluster
// with its credentials and its power switch, the bundle of policy, each Alertmanager with its routes and the way of an alert back to
// Salvor.
//
// It changes nothing but this: one event of a type that nothing reads is written to the store, and a test alert is raised at
// each Alertmanager and ended again. A power switch is asked for the state of one node, never to turn it off.
//
// Each check makes one or more [Finding]s. What cannot be seen is said to be so: a check that was not made is never well.
package doctor
