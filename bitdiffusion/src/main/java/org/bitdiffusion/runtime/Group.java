package org.bitdiffusion.runtime;

import org.bytedeco.pytorch.Tensor;

/** Who computes together: the members of one training. */
public interface Group {
  /** This member's number, from 0. */
  int rank();

  /** The number of members. */
  int size();

  /** Replaces a tensor by the sum of all members', the same bits in each of them. */
  void sum(Tensor tensor);

  /** Whether it is so for any of the members; all of them must ask. */
  boolean any(boolean mine);

  /** One member, which waits for nobody. */
  Group ALONE =
      new Group() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int size() {
          return 1;
        }

        @Override
        public void sum(Tensor tensor) {}

        @Override
        public boolean any(boolean mine) {
          return mine;
        }
      };
}
