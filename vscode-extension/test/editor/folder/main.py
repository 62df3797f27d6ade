from shapes.report import print_report

print_report([(1, 2), (3, 4)])
