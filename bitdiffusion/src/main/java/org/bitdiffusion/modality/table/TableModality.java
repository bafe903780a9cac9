package org.bitdiffusion.modality.table;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.config.ModalityConfig;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Part;
import org.bitdiffusion.data.SourceKind;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Modality;
import org.bitdiffusion.modality.Renderer;

/** Rows of a table [1, columns], each column with values of its own. */
public final class TableModality implements Modality {
  @Override
  public String name() {
    return TableSettings.KIND;
  }

  @Override
  public Class<? extends ModalityConfig> settings() {
    return TableSettings.class;
  }

  @Override
  public List<SourceKind> sources() {
    return TableSources.ALL;
  }

  /** With the columns of a run that is continued: symbols are numbers of its values. */
  @Override
  public DataSource open(RunConfig config, Optional<Path> run) {
    var plan = plan(config);
    return run.isPresent() && plan instanceof TableSources.Plan table
        ? table.open(ColumnsFile.read(ColumnsFile.of(run.get())))
        : plan.open();
  }

  @Override
  public Renderer renderer(RunConfig config, Path run) {
    var columns = ColumnsFile.read(ColumnsFile.of(run));
    if (!columns.schema().space().equals(config.schema().space())) {
      throw new ConfigurationException(
          "%s is another run's: its columns have other values than those that were trained"
              .formatted(ColumnsFile.of(run)));
    }
    return new TableRenderer(columns, ((TableSettings) config.modality()).escapeFormulas());
  }

  @Override
  public Renderer renderer(DataSource source) {
    var whole = source instanceof Part part ? part.whole() : source;
    if (!(whole instanceof TableData table)) {
      throw new ConfigurationException(source.name() + " is no table");
    }
    return new TableRenderer(table.columns(), false);
  }

  @Override
  public Evaluation evaluation() {
    return new TableEvaluation();
  }
}
