# SPDX-License-Identifier: GPL-2.0-or-later
# What plan says in words, as lines for judge.awk. The first file is what its JSON said (said.jq): a name becomes a pid by it, and
# where both tell the same, they must agree. A sentence that is not known here is one that nobody judges: an error.
BEGIN { FS = OFS = "\t" }
function same(what, text, json) { print "SAME", what, text, json }
FILENAME == ARGV[1] {
	if ($1 == "VM") {
		name = $7 == "" || $7 == $2 ? $2 : $2 " (" $7 ")"
		pid[name] = $3; level[$3] = $4; claim[$3] = $5
	} else if ($1 == "VCPU") vcpu[$2, $3] = $5
	else if ($1 == "DISPLACED") displaced += $2
	else if ($1 == "CH") { changes[$2 "\t" $3 "\t" unset($5)] = 1; n_changes++ }
	next
}
function unset(text) { return text == "-" || text == "unset" ? "" : text }
# Prose is wrapped: a paragraph is one line here. Tables and pictures are not prose.
!in_changes && !in_why && /^[a-z0-9].*: (none|pinned|fenced|isolated) on / { paragraph = $0; next }
paragraph != "" && NF { paragraph = paragraph " " $0; next }
paragraph != "" { placement(paragraph); paragraph = "" }
# "9, 24-25": numbers are told in ranges
function keys(text, ret,   n, m, i, part, ends, k) {
	m = split(text, part, ", ")
	for (i = 1; i <= m; i++) {
		if (part[i] ~ /^[0-9]+-[0-9]+$/) split(part[i], ends, "-")
		else { ret[++n] = part[i]; continue }
		for (k = ends[1] + 0; k <= ends[2] + 0; k++) ret[++n] = k ""
	}
	return n
}
# "db01: isolated on 1-2,13-14; vCPUs 0:1 1:13; QEMU's other threads on 0,3-12"
function placement(text,   who, rest, p, word, list, part, of, i, m) {
	who = text; sub(/: (none|pinned|fenced|isolated) on .*/, "", who)
	rest = substr(text, length(who) + 3); p = pid[who]
	if (p == "") { print "UNKNOWN", "VM " who; return }
	split(rest, word, " ")
	same(who ": level", word[1], level[p])
	list = word[3]; sub(/;.*/, "", list)
	if (rest ~ /^[a-z]+ on no CPUs of its own;/) list = ""
	same(who ": claim", list, claim[p])
	list = rest; sub(/.*; vCPUs /, "", list); sub(/;.*/, "", list)
	m = split(list, part, " ")
	if (part[1] == "all") # on ...: one list for all
		for (i in vcpu) { split(i, of, SUBSEP); if (of[1] == p) same(who ": vCPU " of[2], part[3], vcpu[i]) }
	else for (i = 1; i <= m; i++) { split(part[i], of, ":"); same(who ": vCPU " of[1], of[2], vcpu[p, of[1]]) }
	if (match(rest, /; I\/O threads on [0-9,-]+;/)) print "IOTHREADS", p, substr(rest, RSTART + 17, RLENGTH - 18)
	if (rest !~ /; QEMU's other threads on [0-9,-]+$/) { print "UNKNOWN", text; return }
	sub(/.*; QEMU's other threads on /, "", rest)
	print "OTHERS", p, rest
}
# " h  housekeeping  20 CPUs  0,3-12,15-23", " A  db01  4 CPUs  1-2,13-14", " *  housekeeping, and VMs on it: db02  20 CPUs  0,3-12,15-23"
/^ [A-Za-z.+*]  .* CPUs? +[0-9,-]*$/ {
	n = split($0, word, /  +/); who = word[n - 2]; list = word[n]; sub(/^housekeeping, and VMs on it: .*/, "housekeeping", who)
	count = word[n - 1] + 0; total = 0
	m = split(list, part, ",")
	for (i = 1; i <= m; i++) { split(part[i], range, "-"); total += (range[2] == "" ? range[1] : range[2]) - range[1] + 1 }
	same("CPUs of " who, count, total)
	if (who == "housekeeping" || who == "free") print "OPEN", who, list
	next
}
/^Changes$/ { in_changes = 1; next }
in_changes && /^KNOB +BEFORE +AFTER +OF$/ { at_after = index($0, "AFTER"); at_of = index($0, "OF"); next }
in_changes && /^KNOB +WHY$/ { in_changes = 0; in_why = 1; next }
in_changes && NF {
	knob = $0; sub(/ .*/, "", knob)
	after = substr($0, at_after, at_of - at_after); sub(/ +$/, "", after)
	n = keys(substr($0, at_of), key)
	for (i = 1; i <= n; i++) {
		if (key[i] == "/" ) key[i] = ""
		told++
		if (!((knob "\t" key[i] "\t" unset(after)) in changes)) print "UNKNOWN", "a change that the JSON has not: " knob " of '" key[i] "' to '" after "'"
	}
	next
}
in_why { next }
# the picture: its cells are those of the legend
/^[┌│└]/ || /^ *CPUs joined by a bar/ || /^$/ || FNR == 1 { next }
# The level is less than was wanted, with the reason: the level is judged, and the reason is told once.
/^ +[^ ]/ && in_note { note(); next }
{ in_note = 0 }
# "note: somebody gave CPUs there to pinned-agent (61), sshd (420): they will run on what is left"
function note(   text, tid) {
	text = $0
	if (/^note: somebody gave CPUs there to /) in_pinned = 1
	while (in_pinned && match(text, /\([0-9]+\)/)) {
		print "PINNED", substr(text, RSTART + 1, RLENGTH - 2)
		text = substr(text, RSTART + RLENGTH)
	}
	if (text ~ /they will run on what is left$/) in_pinned = 0
}
/^Displaced: [0-9]+ threads? of [0-9]+ groups?, and [0-9]+ of the kernel, may run on these CPUs without this\.$/ {
	split($0, word, " ")
	same("displaced threads", word[2] + word[8], displaced + 0)
	print "DISPLACING", word[2], word[5], word[8]
	next
}
/^(warning: )?.*: (none|pinned|fenced) instead of (pinned|fenced|isolated): / { in_note = 1; next }
/^Nothing to change/ { next }
/^note: / { in_note = 1; note(); next }
{ print "UNKNOWN", $0 }
END { if (paragraph != "") placement(paragraph); if (in_why || in_changes) same("number of changes", told, n_changes + 0) }
