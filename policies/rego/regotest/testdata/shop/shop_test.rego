package salvor.policies.shop_test

import data.salvor.policies.shop

sunday := {"now": "2026-03-01T12:00:00Z"}

test_closed_on_sunday if {
	shop.deny == {"the shop is closed on Sunday"} with input as sunday
}

test_closed_days_are_settings if {
	count(shop.deny) == 0 with input as sunday with data.salvor.config.closed as []
}

test_broken[name] if {
	some name, want in {"few": 1, "half": 5, "most & <many>": 9}
	said := shop.deny with input as {"now": "2026-03-02T12:00:00Z", "view": {"nodes": 10, "broken_nodes": want}}
	print("said", said)
	count(said) == 0
}

test_repairers if {
	asks := shop.ask with input as {"view": {"repairers": ["x"]}}
	some ask in asks
	"sre" in ask.groups
}

test_number if to_number(sprintf("%s", ["x"])) > 3

todo_test_holidays if shop.deny
