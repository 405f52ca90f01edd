# gnuplot -e "data='build/soak.tsv'; picture='build/soak.svg'" bench/soak.gnuplot

set terminal svg size 900,760 background "white"
set output picture
set datafile separator tab
set key off
set grid
set xrange [0:*]
set yrange [0:*]
set multiplot layout 4,1
set ylabel "check-ins/s"
plot data using 1:5 every ::1 with lines
set ylabel "resident MiB"
plot data using 1:($2/1024) every ::1 with lines
set ylabel "descriptors, threads"
plot data using 1:3 every ::1 with lines, data using 1:4 every ::1 with lines
set ylabel "backlog MiB"
set xlabel "seconds"
plot data using 1:($6/1048576) every ::1 with lines
unset multiplot
