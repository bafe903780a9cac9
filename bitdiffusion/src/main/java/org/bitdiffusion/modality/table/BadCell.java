package org.bitdiffusion.modality.table;

/** A cell that is not what its column is to hold; whoever knows the rows finds its line. */
final class BadCell extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int number;

  /**
   * @param number of the cell among the different ones of its column
   */
  BadCell(int number, String message) {
    super(message);
    this.number = number;
  }

  int number() {
    return number;
  }
}
