# Made by ipcmeter report; `gnuplot rate.gp` draws it again.
set encoding utf8
set term svg dynamic noenhanced size 1210,618 name 'rate' background '#ffffff' font 'sans-serif,12'
set output 'rate.svg'
set datafile missing 'nan'
set multiplot
set lmargin at screen 0.06116
set rmargin at screen 0.63636
set bmargin at screen 0.08738
set tmargin at screen 0.79935
unset key
unset logscale
set logscale x
set logscale y
set xrange [9184.85:326625]
set yrange [2321.63:5.38958e+06]
set border 3 linecolor '#888888' linewidth 0.8
set grid xtics ytics linetype 1 linecolor '#e2e4e8' linewidth 0.7
set xtics nomirror scale 0.5 textcolor '#333333' ('10 k' 10000, '20 k' 20000, '50 k' 50000, '100 k' 100000, '200 k' 200000)
set ytics nomirror scale 0.5 textcolor '#333333' ('10 us' 10000, '100 us' 100000, '1 ms' 1000000)
set xlabel 'offered rate, messages per second' offset 0, 0.4 textcolor '#333333'
set label 1 'response' at graph 0, graph 1 offset 0.6, 0.7 textcolor '#333333'
set arrow from first 300000, graph 0 to first 300000, graph 1 nohead linewidth 1.2 dashtype 3 linecolor '#0072b2'
plot \
  'rate.dat' index 2 using ($1 * 1.00000):3:(0):($4 - $3) with vectors nohead linewidth 1.2 linecolor '#0072b2', \
  '' index 2 using ($1 * 1.00000):2 with linespoints linewidth 1.8 dashtype 1 pointtype 7 pointsize 0.8 linecolor '#0072b2', \
  '' index 2 using ($1 * 1.00000):($8 == 1 ? NaN : $2) with points pointtype 2 pointsize 1.5 linewidth 1.5 linecolor '#222222', \
  'rate.dat' index 2 using ($1 * 1.00000):6:(0):($7 - $6) with vectors nohead linewidth 1.2 linecolor '#0072b2', \
  '' index 2 using ($1 * 1.00000):5 with linespoints linewidth 1.2 dashtype 2 pointtype 6 pointsize 0.8 linecolor '#0072b2', \
  '' index 2 using ($1 * 1.00000):($8 == 1 ? NaN : $5) with points pointtype 2 pointsize 1.5 linewidth 1.5 linecolor '#222222'
unset label 1
set lmargin at screen 0.00000
set rmargin at screen 1.00000
set bmargin at screen 0.00000
set tmargin at screen 1.00000
unset key
unset logscale
unset border
unset xtics
unset ytics
unset grid
unset xlabel
unset ylabel
unset object
unset arrow
set xrange [0:1210]
set yrange [0:618]
plot \
  'rate.dat' index 0 every ::0::0 using 1:2:3 with labels left font 'sans-serif,16', \
  '' index 0 every ::1 using 1:2:3 with labels left textcolor '#555555', \
  '' index 1 using (786):1:3:2 with points pointtype variable pointsize 0.9 linecolor rgb variable, \
  '' index 1 using (803):1:4:2 with points pointtype variable pointsize 0.9 linecolor rgb variable, \
  '' index 1 using (816):1:5 with labels left textcolor '#222222', \
  '' index 1 using (816):($1 - 14):6 with labels left font 'sans-serif,10' textcolor '#555555', \
  '' index 1 using (816):($1 - 27):7 with labels left font 'sans-serif,10' textcolor '#555555'
unset multiplot
unset output
