# gnuplot -e "http='FILE'; mqtt='FILE'; picture='build/bench/latency.svg'" bench/latency.gnuplot
#
# Each line of the data describes one percentile: the number N if one check-in in N is slower, the
# percentile in percent, and the latency in milliseconds.

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
