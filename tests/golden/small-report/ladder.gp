# Made by ipcmeter report; `gnuplot ladder.gp` draws it again.
set encoding utf8
set term svg dynamic noenhanced size 1000,608 name 'ladder' background '#ffffff' font 'sans-serif,12'
set output 'ladder.svg'
set datafile missing 'nan'
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 0.78289
set bmargin at screen 0.19079
set logscale x
set xrange [0.00282866:2.68704e+06]
set yrange [0.5:12.5]
unset border
unset ytics
unset colorbox
set object rectangle from first 0.00326907, first 11.5 to first 2.32504e+06, first 12.5 behind fillstyle solid noborder fillcolor '#f4f5f7'
set object rectangle from first 0.00326907, first 9.5 to first 2.32504e+06, first 10.5 behind fillstyle solid noborder fillcolor '#f4f5f7'
set object rectangle from first 0.00326907, first 7.5 to first 2.32504e+06, first 8.5 behind fillstyle solid noborder fillcolor '#f4f5f7'
set object rectangle from first 0.00326907, first 5.5 to first 2.32504e+06, first 6.5 behind fillstyle solid noborder fillcolor '#f4f5f7'
set object rectangle from first 0.00326907, first 3.5 to first 2.32504e+06, first 4.5 behind fillstyle solid noborder fillcolor '#f4f5f7'
set object rectangle from first 0.00326907, first 1.5 to first 2.32504e+06, first 2.5 behind fillstyle solid noborder fillcolor '#f4f5f7'
set xtics scale 0 offset 0, 0.3 textcolor '#333333' ('10 ns' 10, '100 ns' 100, '1 us' 1000, '10 us' 10000)
set grid xtics linetype 1 linecolor '#dddddd' linewidth 0.7
set label 'time per round trip' at first 277.446, screen 0.12171 center textcolor '#333333'
set arrow from first 2.9, graph 0 to first 2.9, screen 0.81743 nohead back linewidth 1.4 linecolor '#a8a8a8'
set label 'memcpy 64 B 2.9 ns' at first 2.9, screen 0.83224 center font 'sans-serif,11' textcolor '#6b6b6b'
set arrow from first 84.55, graph 0 to first 84.55, screen 0.84539 nohead back linewidth 1.4 linecolor '#a8a8a8'
set label 'system call 84.5 ns' at first 84.55, screen 0.86020 right font 'sans-serif,11' textcolor '#6b6b6b'
set arrow from first 106.2, graph 0 to first 106.2, screen 0.81743 nohead back linewidth 1.4 linecolor '#a8a8a8'
set label 'cache-line round trip 106 ns' at first 106.2, screen 0.83224 left font 'sans-serif,11' textcolor '#6b6b6b'
set label 'Round trip of a 64 B message, touch none' at screen 0.0140, screen 0.96053 font 'sans-serif,16'
set label 'Mark: median over fresh processes of the median round trip. Line: to the 99th percentile. Grey: what no IPC beats here.' at screen 0.0140, screen 0.92599 textcolor '#555555'
set label 'mechanism' at first 0.00377806, first 12.9000 font 'sans-serif,12' textcolor '#333333'
set label 'copies' at first 0.0990248, first 12.9000 center font 'sans-serif,12' textcolor '#333333'
set label 'wait' at first 0.195888, first 12.9000 font 'sans-serif,12' textcolor '#333333'
set label 'CPU time per message' at first 1.70516e+06, first 13.4667 right font 'sans-serif,12' textcolor '#333333'
set label 'same_cpu' at first 175476, first 12.9000 right font 'sans-serif,12' textcolor '#333333'
set label 'nearest_core' at first 1.70516e+06, first 12.9000 right font 'sans-serif,12' textcolor '#333333'
set key at screen 0.5, screen 0.10197 center top horizontal Left reverse maxrows 2 samplen 1.2 textcolor '#333333'
plot \
  NaN with points pointtype 7 pointsize 0.9 linecolor '#d55e00' title 'wait spin', \
  NaN with points pointtype 9 pointsize 0.9 linecolor '#009e73' title 'wait yield', \
  NaN with points pointtype 5 pointsize 0.9 linecolor '#0072b2' title 'wait block', \
  NaN with points pointtype 13 pointsize 0.9 linecolor '#cc79a7' title 'wait spin_then_block', \
  NaN with points pointtype 7 pointsize 0.9 linecolor '#555555' title 'filled: same_cpu', \
  NaN with points pointtype 6 pointsize 0.9 linecolor '#555555' title 'open: nearest_core (cross_llc)', \
  NaN with points pointtype 7 pointsize 0 linecolor '#555555' title 'no line: too short to time alone', \
  'ladder.dat' index 1 using 2:1:($5 - $2):(0) with vectors nohead linewidth 2 linecolor '#d55e00' notitle, \
  '' index 1 using 2:1 with points pointtype 6 pointsize 0.9 linewidth 1.6 linecolor '#d55e00' notitle, \
  'ladder.dat' index 2 using 2:1:($5 - $2):(0) with vectors nohead linewidth 2 linecolor '#009e73' notitle, \
  '' index 2 using 2:1 with points pointtype 9 pointsize 0.9 linewidth 1.6 linecolor '#009e73' notitle, \
  'ladder.dat' index 3 using 2:1:($5 - $2):(0) with vectors nohead linewidth 2 linecolor '#0072b2' notitle, \
  '' index 3 using 2:1 with points pointtype 5 pointsize 0.9 linewidth 1.6 linecolor '#0072b2' notitle, \
  'ladder.dat' index 4 using 2:1:($5 - $2):(0) with vectors nohead linewidth 2 linecolor '#0072b2' notitle, \
  '' index 4 using 2:1 with points pointtype 4 pointsize 0.9 linewidth 1.6 linecolor '#0072b2' notitle, \
  'ladder.dat' index 5 using 2:1:($5 - $2):(0) with vectors nohead linewidth 2 linecolor '#cc79a7' notitle, \
  '' index 5 using 2:1 with points pointtype 12 pointsize 0.9 linewidth 1.6 linecolor '#cc79a7' notitle, \
  'ladder.dat' index 0 using (0.00377806):($1 + (strlen(strcol(5)) > 0 ? 0.16 : 0)):2 with labels left notitle, \
  'ladder.dat' index 0 using (0.0990248):($1 + (strlen(strcol(5)) > 0 ? 0.16 : 0)):3 with labels center notitle, \
  'ladder.dat' index 0 using (0.195888):($1 + (strlen(strcol(5)) > 0 ? 0.16 : 0)):4 with labels left notitle, \
  'ladder.dat' index 0 using (0.00377806):($1 - 0.26):5 with labels left font 'sans-serif,9' textcolor '#6b6b6b' notitle, \
  'ladder.dat' index 0 using (175476):1:6 with labels right notitle, \
  'ladder.dat' index 0 using (1.70516e+06):1:7 with labels right notitle
unset output
