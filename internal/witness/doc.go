// Package witness runs apart from Salvor, on another network or in another region, tries from there whether clusters can be reached,
// and tells Salvor. So a partition between Salvor and a cluster can be told from a cluster that is down.
//
// It decides nothing, keeps nothing on disk, and needs no rights on a cluster. Its probes are those of package events/probe; they are
// sent as CloudEvents to the intake of any Salvor that takes them. While none does, the newest probe of each target waits, and is
// dropped once it is worth nothing any more: Salvor takes what arrives for what is so now.
package witness
