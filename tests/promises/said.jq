# SPDX-License-Identifier: GPL-2.0-or-later
# What plan, apply and status say in JSON, as lines for judge.awk.
. as $doc
| ((.vms // .applied // [])[] as $v
	| ["VM", $v.vm, $v.pid, $v.level, $v.claim, $v.cgroup, $v.name, $v.spare],
	  ($v.vcpus[] | ["VCPU", $v.pid, .vcpu, .tid, .cpus]),
	  ($v.iothreads[] | ["IOT", $v.pid, .id, .tid, .cpus]),
	  ["HELPERS", $v.pid, $v.emulator]),
  (.changes[]? | ["CH", .knob, .key, .before, .after, .result // "done"]),
  (.immovable[]? | ["IMM", .what]),
  (.displaced[]? | ["DISPLACED", .threads])
| map(. // "" | tostring) | @tsv
