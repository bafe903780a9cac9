package org.bitdiffusion.modality.table;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitdiffusion.config.RunConfig;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.KeptSamples;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.model.DiffusionModel;
import org.bitdiffusion.sampling.SamplerConfig;

/** Tells how many rows were drawn; there are no measures of tables yet. */
final class TableEvaluation implements Evaluation {
  @Override
  public List<String> options() {
    return List.of();
  }

  @Override
  public Comparison with(DataSource source, int n, Map<String, String> options, Watch watch) {
    requireKnown(options);
    var samples = n == 0 ? source.size() : n;
    return new Comparison() {
      @Override
      public List<String> measured(RunConfig run) {
        return List.of();
      }

      @Override
      public void requireFit(RunConfig run, SamplerConfig sampling, long seed) {
        DiffusionModel.requireFit(run, sampling, Given.NONE);
      }

      @Override
      public Map<String, Object> measure(Subject subject, List<String> only, Watch watch) {
        var kept = new KeptSamples(subject, samples, (first, count) -> Given.NONE);
        for (var first = 0; first < samples; first += KeptSamples.PIECE) {
          watch.progress("samples", first + kept.piece(first).count(), samples, "");
        }
        var report = new LinkedHashMap<String, Object>();
        report.put("samples", samples);
        return report;
      }
    };
  }
}
