# SPDX-License-Identifier: Apache-2.0
#
# Rates of the rounds of one or more attestations over time. Called with data='FILE.tsv' and image='FILE.png'; a line of the
# data is: device, segment, index, workload, unit, seconds since the start, units a second.
set datafile separator "\t"
devices = system("cut -f1 '".data."' | sort -u")
workloads = system("cut -f4 '".data."' | sort -u")
columns = words(workloads) > 3 ? 2 : 1
rows = (words(workloads) + columns - 1) / columns
set terminal pngcairo size 800 * columns + 400 * (columns == 1), 60 + 280 * rows font "sans,13" background rgb "white"
set output image
set linetype 1 lw 2 pt 7 ps 0.8 lc rgb "#0072b2"
set linetype 2 lw 2 pt 5 ps 0.8 lc rgb "#d55e00"
set linetype 3 lw 2 pt 9 ps 0.8 lc rgb "#009e73"
set linetype 4 lw 2 pt 13 ps 0.8 lc rgb "#cc79a7"
set grid ytics lc rgb "#dddddd"
set border 3 lc rgb "#555555"
set tics nomirror
set key inside bottom right
set yrange [0:*]
set xrange [0:*]
set format y "%.0s %c"
set xlabel "seconds since the start of the run"
set multiplot layout rows,columns title "Claimed rate of each round, by the prover's own clock"
do for [workload in workloads] {
	unit = system(sprintf("awk -F'\\t' '$4 == \"%s\" { print $5; exit }' '%s'", workload, data))
	set ylabel sprintf("%s/s", unit eq "hash" ? "hashes" : unit eq "B" ? "bytes" : "operations")
	set title workload
	plot for [device in devices] data using 6:(strcol(4) eq workload && strcol(1) eq device ? $7 : NaN) \
		with linespoints title device
}
unset multiplot
