# vitis_hls -f run_hls.tcl, with PART (a device) and ACTION (csim, csynth or xo) in the environment.
foreach name {PART ACTION} {
  if {![info exists ::env($name)] || $::env($name) eq ""} {
    puts stderr "run_hls.tcl: set $name in the environment, or use make"
    exit 1
  }
}
open_project -reset NAME_hls
set_top NAME
add_files NAME.cpp
add_files -tb NAME_test.cpp
open_solution -reset -flow_target vitis solution
set_part $::env(PART)
create_clock -period PERIOD -name default
switch $::env(ACTION) {
  csim { csim_design -O }
  csynth { csynth_design }
  xo {
    csynth_design
    export_design -format xo -output NAME.xo
  }
  default {
    puts stderr "run_hls.tcl: ACTION is csim, csynth or xo"
    exit 1
  }
}
exit
