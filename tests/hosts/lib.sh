# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# For the tests of hosts: TAP, and comparing with lscpu.
# WIDEBERTH is the program, as meson sets it.

. "$(dirname "$0")/../tap.sh"

need() {
	for tool; do
		command -v "$tool" > /dev/null || skip_all "no $tool"
	done
}

# Lines "CPU ONLINE NODE CORE SOCKET L3" become "CPU ONLINE NODE SIBLINGS SOCKET'S-CPUS L3'S-CPUS":
# numbers of cores, sockets and caches are anybody's choice, who shares them is not. "-" stands for
# what is not known, and for everything but the first two of an offline CPU.
peers() {
	awk '
		{ cpu[n++] = $1; is_on[$1] = $2 }
		$2 == "on" {
			node[$1] = $3
			for (i = 4; i <= 6; i++) {
				id = i " " $i
				key[$1, i] = id
				if ($i == "-") continue
				set[id] = set[id] "," $1
			}
		}
		function of(c, i) { return key[c, i] in set ? substr(set[key[c, i]], 2) : "-" }
		END {
			for (k = 0; k < n; k++) {
				c = cpu[k]
				if (is_on[c] == "on") print c, "on", node[c], of(c, 4), of(c, 5), of(c, 6)
				else print c, "off - - - -"
			}
		}'
}

# What show says of the tree.
of_show() {
	"$WIDEBERTH" --root "$1" --json show | jq -r '.cpus[]
		| "\(.cpu) \(if .online then "on" else "off" end) \(.node // "-") \(.core // "-") \(.socket // "-") \(.l3 // "-")"' |
		peers
}

# "CPU SIBLINGS" of every online CPU as show has them, to compare with the numbers of cores.
siblings_of_show() {
	"$WIDEBERTH" --root "$1" --json show | jq -r '
		def expand: split(",") | map(split("-") | map(tonumber) | [range(.[0]; .[-1] + 1)])
			| add | map(tostring) | join(",");
		.cpus[] | select(.online) | "\(.cpu) \(.siblings | expand)"'
}

# columns_that_differ SHOW LSCPU: the names of the columns; the first differences on stderr.
columns_that_differ() {
	awk '
		NR == FNR { for (i = 1; i <= 6; i++) a[$1, i] = $i; n++; next }
		{
			m++
			for (i = 1; i <= 6; i++) {
				if (a[$1, i] == $i) continue
				bad[i] = 1
				if (++said <= 4)
					print "# CPU " $1 ": show " a[$1, i] ", lscpu " $i > "/dev/stderr"
			}
		}
		END {
			split("cpu online node core socket l3", name, " ")
			if (n != m) printf "count "
			for (i = 1; i <= 6; i++) if (bad[i]) printf "%s ", name[i]
		}' "$1" "$2"
}

# The same of lscpu, an independent reader of the same files. A machine without NUMA has no node
# in lscpu, and node 0 in hwloc.
of_lscpu() {
	lscpu --sysroot "$1" -a -p=CPU,ONLINE,NODE,CORE,SOCKET,CACHE | awk -F, '
		function known(text) { return text == "" ? "-" : text }
		/^# CPU,/ {
			for (i = 1; i <= NF; i++) if ($i == "L3") l3 = i
		}
		/^#/ { next }
		{ print $1, $2 == "Y" ? "on" : "off", $3 == "" ? 0 : $3, known($4), known($5), l3 ? known($l3) : "-" }' |
		peers
}
