# gnuplot -e "http='FILE'; mqtt='FILE'; picture='build/bench/latency.svg'" bench/latency.gnuplot
#
# A line of the data: one check-in in how many is slower, the same as a percentile, milliseconds.

set terminal svg size 900,360 background "white"
set output picture
set grid
set logscale x
set yrange [0:*]
set xlabel "percentile"
set ylabel "latency, ms"
set xtics ("0" 1, "90" 10, "99" 100, "99.9" 1000, "99.99" 10000, "99.999" 100000)
set key left top
plot http using 1:3 with lines linewidth 2 title "HTTP", \
     mqtt using 1:3 with lines linewidth 2 title "MQTT"
