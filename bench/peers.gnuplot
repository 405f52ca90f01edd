# gnuplot -e "data='build/bench/peers.data'; picture='build/bench/peers.svg'" bench/peers.gnuplot
#
# A group of bars for each load: the CPU time of each server that was measured with it.

set terminal svg size 1000,480 background "white"
set output picture
set datafile missing "?"
set style data histograms
set style histogram clustered gap 2
set style fill solid 0.9 noborder
set boxwidth 1 relative
set logscale y
set yrange [0.2:*]
set grid ytics
set xtics rotate by -20 noenhanced
set ylabel "CPU seconds per million check-ins (logarithmic)"
set key outside top center horizontal
plot data using 2:xtic(1) title "rollcalld" linecolor rgb "#1f77b4", \
     '' using 3 title "rollcalld, SQLite" linecolor rgb "#9ecae1", \
     '' using 4 title "nginx" linecolor rgb "#2ca02c", \
     '' using 5 title "mosquitto" linecolor rgb "#d62728", \
     '' using 6 title "mosquitto, TCP NODELAY" linecolor rgb "#ff9896", \
     '' using 7 title "floor" linecolor rgb "#7f7f7f"
