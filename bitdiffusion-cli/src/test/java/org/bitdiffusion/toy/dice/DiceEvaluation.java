package org.bitdiffusion.toy.dice;

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

/** How often the second die follows the first. Option: {@code lenient}, by how much it may err. */
final class DiceEvaluation implements Evaluation {
  @Override
  public List<String> options() {
    return List.of("lenient");
  }

  @Override
  public Comparison with(DataSource source, int n, Map<String, String> options, Watch watch) {
    requireKnown(options);
    var lenient = Integer.parseInt(options.getOrDefault("lenient", "0"));
    var samples = n == 0 ? 100 : n;
    return new Comparison() {
      @Override
      public List<String> measured(RunConfig run) {
        return List.of("following");
      }

      @Override
      public void requireFit(RunConfig run, SamplerConfig sampling, long seed) {
        DiffusionModel.requireFit(run, sampling, Given.NONE);
      }

      @Override
      public Map<String, Object> measure(Subject subject, List<String> only, Watch watch) {
        var kept = new KeptSamples(subject, samples, (first, count) -> Given.NONE);
        var following = 0;
        for (var first = 0; first < samples; first += KeptSamples.PIECE) {
          var piece = kept.piece(first);
          for (var i = 0; i < piece.count(); i++) {
            var roll = piece.part(i, 1).symbols();
            following += Math.abs(roll[1] - roll[0] / 2) <= lenient ? 1 : 0;
          }
          watch.progress("samples", first + piece.count(), samples, "");
        }
        var report = new LinkedHashMap<String, Object>();
        report.put("following", (double) following / samples);
        report.put("samples", samples);
        return report;
      }
    };
  }
}
