from shapes.area import area

def print_report(rectangles):
    total = sum(area(w, h) for w, h in rectangles)
    print(f"{len(rectangles)} rectangles, {total} in all")
