package org.bitdiffusion.data;

import java.util.List;
import org.bitdiffusion.Named;

/**
 * A kind of data source, as the first word of {@code --data} names it: lower-case letters, digits
 * and underscores.
 */
public interface SourceKind extends Named {
  /**
   * Lines of help: the source with its options and their defaults, as a user would write it, such
   * as {@code icons,size=24,levels=2}, then what it is. Lines that begin with the name and a comma
   * or a colon are those of the first kind.
   */
  List<String> usage();

  /**
   * Checks the options; reads no file.
   *
   * @param options those that it does not read are refused afterwards
   * @throws org.bitdiffusion.ConfigurationException if one is not possible
   */
  Plan plan(Options options);

  /** A source that can be opened. */
  interface Plan {
    /**
     * What its examples will be, as far as the options tell; names of classes may be missing or
     * numbers.
     */
    Schema expected();

    /**
     * Opens it.
     *
     * @throws org.bitdiffusion.DataException if its files are missing or damaged
     */
    DataSource open();
  }
}
