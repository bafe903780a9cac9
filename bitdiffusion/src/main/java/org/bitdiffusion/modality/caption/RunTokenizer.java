package org.bitdiffusion.modality.caption;

import java.nio.file.Path;
import org.bitdiffusion.DataException;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.text.Tokenizer;

/** The tokenizer that a run of captions keeps beside its config.yaml. */
final class RunTokenizer {
  private RunTokenizer() {}

  /** Where a run keeps its tokenizer. */
  static Path file(Path run) {
    return run.resolve("tokenizer.json");
  }

  /**
   * The tokenizer of a run, which the caller closes.
   *
   * @param config of the run, with its schema
   * @throws DataException if its file is missing or damaged, or has another vocabulary than the run
   */
  static Tokenizer open(RunConfig config, Path run) {
    var tokenizer = Tokenizer.load(file(run));
    var categories = config.schema().space().mostCategories();
    if (tokenizer.vocabulary() != categories) {
      var vocabulary = tokenizer.vocabulary();
      tokenizer.close();
      throw new DataException(
          "%s has a vocabulary of %d, but the run was trained with %d: it is another run's"
              .formatted(file(run), vocabulary, categories));
    }
    return tokenizer;
  }
}
