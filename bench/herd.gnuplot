# gnuplot -e "data='build/bench/herd.tsv'; picture='build/bench/herd.svg'" bench/herd.gnuplot
#
# The data has a line for each check-in: the number of the round, and the second in which it was sent.

set terminal svg size 900,360 background "white"
set output picture
set grid
set xrange [0:*]
set yrange [0:*]
set xlabel "seconds since the first router connected"
set ylabel "check-ins in 0.1 s"
set key outside top center horizontal
set style fill solid 0.6 noborder
set boxwidth 0.1
bin(second) = 0.1 * floor(second / 0.1) + 0.05
plot for [round = 0:3] data using ($1 == round ? bin($2) : 1/0):(1) smooth frequency \
    with boxes title (round == 0 ? "all connect" : sprintf("after next, %d", round))
