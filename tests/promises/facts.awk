# SPDX-License-Identifier: GPL-2.0-or-later
# What is so on a host in a directory, from plain reads of its files (their names are the arguments; "root" is the directory):
#	T PID TID CPUS GROUP FLAGS COMM		a thread
#	G PATH FILE VALUE			a file of a group; the root's path is empty
#	I IRQ CPUS
#	U UNIT PROPERTY VALUE			(lib.sh)
#	F PATH VALUE				any other file; a mask of CPUs as a list
function list_of(mask,   n, i, k, d, out, from, last) {
	gsub(/,/, "", mask)
	n = length(mask); from = -1
	for (i = n; i >= 1; i--) {
		d = index("0123456789abcdef", substr(mask, i, 1)) - 1
		for (k = 0; k < 4; k++)
			if (int(d / 2 ^ k) % 2) cpu[(n - i) * 4 + k] = 1
	}
	for (i = 0; i <= 4 * n; i++) {
		if (i in cpu && from < 0) from = i
		if (!(i in cpu) && from >= 0) {
			out = out (out == "" ? "" : ",") (from == i - 1 ? from : from "-" i - 1)
			from = -1
		}
	}
	for (i in cpu) delete cpu[i]
	return out
}
BEGIN { OFS = "\t" }
FNR == 1 { path = substr(FILENAME, length(root) + 2); n = split(path, part, "/"); seen[path] = 1 }
path ~ /\/stat$/ {
	if (n == 5 && FNR == 1) {
		text = $0; comm = text; sub(/^[^(]*\(/, "", comm); sub(/\) [A-Z] .*/, "", comm)
		sub(/.*\) [A-Z] /, "", text); split(text, field, " ")
		flags[part[5 - 1]] = field[6]; comms[part[5 - 1]] = comm; pids[part[5 - 1]] = part[2]
	}
	next
}
path ~ /\/status$/ { if (n == 5 && /^Cpus_allowed_list:/) cpus[part[4]] = substr($0, 20); next }
path ~ /^proc\/[0-9]+\/task\/[0-9]+\/cgroup$/ { groups[part[4]] = substr($0, 5); next }
path ~ /^sys\/fs\/cgroup\// {
	group = substr(path, 15); sub(/\/?[^\/]*$/, "", group)
	if (FNR == 1) print "G", group, part[n], $0
	next
}
path ~ /^proc\/irq\/[0-9]+\/smp_affinity_list$/ { print "I", part[3], $0; next }
FNR == 1 { print "F", path, path ~ /(cpumask|default_smp_affinity)$/ ? list_of($0) : $0 }
END {
	for (tid in pids) print "T", pids[tid], tid, cpus[tid], groups[tid], flags[tid], comms[tid]
}
