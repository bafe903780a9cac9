package org.bitdiffusion.modality.image;

/** Images of which training sees every other one, at random, mirrored left to right. */
record Flipped(ImageSource source) implements ImageView {
  @Override
  public int size() {
    return source.size();
  }

  @Override
  public void read(int index, long draw, int[] target, int offset) {
    source.read(index, draw, target, offset);
    if ((draw & 1) == 1) {
      mirror(target, offset);
    }
  }

  private void mirror(int[] symbols, int offset) {
    var width = format().width();
    for (var row = offset; row < offset + format().symbols(); row += width) {
      for (int left = row, right = row + width - 1; left < right; left++, right--) {
        var symbol = symbols[left];
        symbols[left] = symbols[right];
        symbols[right] = symbol;
      }
    }
  }
}
