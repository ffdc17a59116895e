package policies

// Settings are what the shipped rules read of the settings, data.salvor.config in Rego. Authors set what differs, key by key; what the
// fields are for is what authors read about them. Settings of their own stand beside these. They are data
// and no rules since most who set them write no Rego, and have a Go type since one that is misspelt is an error then.
type Settings struct {
	Groups        map[string][]string    `json:"groups" some:"yes" eachform:"name"`                  // names for groups of people of salvor.yaml; what is asked below is asked of one of these
	Defaults      Terms                  `json:"defaults"`                                           // for every fault
	Kinds         map[string]Terms       `json:"kinds" keys:"node,zone,region,data,config,security"` // by kind of fault, what differs from `defaults`
	Environments  map[string]Environment `json:"environments"`                                       // by `environment` of the cluster, what differs from the two above
	Levels        map[string]Level       `json:"levels" keys:"0,1,2,3,4"`                            // by the highest DR level of what is touched; `"0"` is what was promised nothing
	BusinessHours Hours                  `json:"business_hours"`                                     // when people are at work
	Freezes       []Freeze               `json:"freezes"`                                            // times in which nothing is recovered without a person, or nothing at all
}

// Terms say what Salvor may do by itself, and who is asked otherwise.
type Terms struct {
	Ladder       []string `json:"ladder" each:"observe,reversible,disruptive,destructive,irreversible"` // up to which class a plan may run without a person being asked: at the first attempt in an incident, at the second, and so on, the last for all to come; empty: a person is always asked. Above `disruptive` a person is asked whatever it says
	Hours        string   `json:"hours" oneof:"any,business"`                                           // `any`: around the clock; `business`: outside business hours a person is asked
	Attempts     int      `json:"attempts" least:"1"`                                                   // after so many attempts in one incident a person is asked
	Repeats      int      `json:"repeats" least:"1"`                                                    // from so many incidents of the same fault within 24 h on a person is asked
	Approvers    string   `json:"approvers" form:"group"`                                               // who is asked: a name of `groups`
	Votes        int      `json:"votes" least:"1"`                                                      // so many of them have to agree
	AnswerWithin string   `json:"answer_within" form:"answer"`                                          // how long they have, from `1m` to `168h`, such as `10m`
	EscalateTo   string   `json:"escalate_to" form:"group"`                                             // who is asked after that: a name of `groups`
}

// Environment is what differs in the clusters of one environment.
type Environment struct {
	Defaults Terms            `json:"defaults"`                                           // for every fault
	Kinds    map[string]Terms `json:"kinds" keys:"node,zone,region,data,config,security"` // by kind of fault
}

// Level is what holds where something of a DR level is touched.
type Level struct {
	Votes    int    `json:"votes" least:"1"`            // at least so many people have to agree, when people are asked
	DataLoss string `json:"data_loss" oneof:"ask,deny"` // a plan that is expected to lose data: `ask` people, or `deny`
}

// Hours are hours of a week, in one time zone.
type Hours struct {
	TimeZone string   `json:"time_zone" form:"zone"`                                                // such as `Europe/Berlin`
	Days     []string `json:"days" each:"Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"` // on these days
	From     string   `json:"from" form:"clock"`                                                    // from this time on, such as `"08:00"`
	Until    string   `json:"until" form:"clock"`                                                   // until before this time, such as `"18:00"`; when it is no later than `from`, on the day after
}

// Freeze is a time in which less is done.
type Freeze struct {
	Name         string   `json:"name" form:"name" needed:"yes"`                      // what people call it
	From         string   `json:"from" form:"instant" needed:"yes"`                   // when it begins, such as `"2026-12-20T00:00:00Z"`
	Until        string   `json:"until" form:"instant" needed:"yes"`                  // when it ends
	Clusters     []string `json:"clusters"`                                           // names; empty: every cluster
	Environments []string `json:"environments"`                                       // names; empty: every environment
	Kinds        []string `json:"kinds" each:"node,zone,region,data,config,security"` // of faults; empty: every kind
	Answer       string   `json:"answer" oneof:"ask,deny" needed:"yes"`               // `ask` people, or `deny` what would recover
}
