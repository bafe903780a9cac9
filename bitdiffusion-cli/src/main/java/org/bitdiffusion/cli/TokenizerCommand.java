package org.bitdiffusion.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.text.BytePairTraining;
import org.bitdiffusion.text.CaptionCorpus;
import org.bitdiffusion.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "tokenizer",
    description = "Learns tokens from captions, and shows them.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {TokenizerCommand.Train.class, TokenizerCommand.Show.class})
final class TokenizerCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "what to do is missing: %s train, or show".formatted(spec.qualifiedName()));
  }

  @Command(
      name = "train",
      description =
          "Learns a byte-pair encoding from captions and writes it as tokenizer.json, which other"
              + " programs read as well.",
      footer = {
        "",
        "Captions are read from files whose names end in",
        "  .txt    one a line",
        "  .jsonl  objects with \"captions\": [...], \"caption\" or \"text\"",
        "  .json   annotations as COCO's, {\"annotations\": [{\"caption\": ...}, ...]}"
      })
  static final class Train implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
        names = "--vocab",
        paramLabel = "K",
        defaultValue = "32768",
        description =
            "The most tokens, "
                + BytePairTraining.SMALLEST
                + " to "
                + BytePairTraining.LARGEST
                + " (default ${DEFAULT-VALUE}): the 256 bytes, the padding <pad>, the end </s>, and"
                + " what is learned.")
    private int vocabulary;

    @Option(
        names = "--captions",
        required = true,
        arity = "1..*",
        paramLabel = "FILE",
        description = "Files with captions.")
    private List<Path> captions;

    @Option(
        names = "--out",
        required = true,
        paramLabel = "FILE.json",
        description = "The tokenizer; one that is there is replaced.")
    private Path out;

    @Option(names = "--json", description = "Reports as JSON.")
    private boolean json;

    @Override
    public Integer call() {
      if (vocabulary < BytePairTraining.SMALLEST || vocabulary > BytePairTraining.LARGEST) {
        throw new ConfigurationException(
            "--vocab is %d; it must be %d to %d"
                .formatted(vocabulary, BytePairTraining.SMALLEST, BytePairTraining.LARGEST));
      }
      var files = captions.stream().map(CaptionCorpus::new).toList(); // all names, before any file
      if (Files.isDirectory(out)) {
        throw new ConfigurationException("--out is " + out + ", which is a folder; name a file");
      }
      Target.requireWritable(out.toAbsolutePath().getParent()); // before minutes of learning
      captions.forEach(file -> Target.requireOther("--out", out, file));
      var training = new BytePairTraining();
      var count = 0L;
      for (var file : files) {
        count += file.read(training::add);
      }
      var learned = training.learn(vocabulary);
      var tokens = learned.tokens().size();
      if (tokens < vocabulary) {
        spec.commandLine()
            .getErr()
            .printf(
                "warning: only %d of %d tokens could be learned: nothing more comes twice in these"
                    + " captions%n",
                tokens, vocabulary);
      }
      learned.save(out);
      var writer = spec.commandLine().getOut();
      if (json) {
        var report = new LinkedHashMap<String, Object>();
        report.put("captions", count);
        report.put("vocabulary", tokens);
        report.put("merges", learned.merges().size());
        report.put("out", out.toString());
        writer.println(Json.line(report));
      } else {
        writer.printf("%d captions: K = %d, written to %s%n", count, tokens, out);
      }
      return 0;
    }
  }

  @Command(name = "show", description = "Shows the tokens of texts.")
  static final class Show implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(
        index = "0",
        paramLabel = "TOKENIZER",
        description = "A tokenizer.json, or the word bytes.")
    private String name;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "TEXT", description = "The texts.")
    private List<String> texts;

    @Option(
        names = "--length",
        paramLabel = "N",
        description = "Tokens for each text, with end and padding (default: as many as it needs).")
    private Integer length;

    @Option(names = "--json", description = "Reports as JSON, one text a line.")
    private boolean json;

    @Override
    public Integer call() {
      if (length != null && length < 1) {
        throw new ConfigurationException("--length is " + length + "; it must be at least 1");
      }
      if (name.equals("words")) {
        throw new ConfigurationException(
            "words have a vocabulary only with a run; give the tokenizer.json in its folder");
      }
      try (var tokenizer = Tokenizer.of(name, List.of(), 0)) {
        var writer = spec.commandLine().getOut();
        if (!json) {
          writer.printf(
              "%s: K = %d, end %d %s, padding %d %s%n",
              name,
              tokenizer.vocabulary(),
              tokenizer.end(),
              tokenizer.token(tokenizer.end()),
              tokenizer.padding(),
              tokenizer.token(tokenizer.padding()));
        }
        for (var text : texts) {
          show(tokenizer, text);
        }
      }
      return 0;
    }

    private void show(Tokenizer tokenizer, String text) {
      var row = tokenizer.encode(text, length != null ? length : tokenizer.count(text) + 1);
      var back = tokenizer.decode(row.ids(), 0, row.ids().length);
      var writer = spec.commandLine().getOut();
      if (json) {
        var tokens = new ArrayList<String>();
        for (var id : row.ids()) {
          tokens.add(tokenizer.token(id));
        }
        var report = new LinkedHashMap<String, Object>();
        report.put("text", text);
        report.put("ids", row.ids());
        report.put("tokens", tokens);
        report.put("cut", row.cut());
        report.put("decoded", back);
        writer.println(Json.line(report));
        return;
      }
      writer.printf("%n%s%n", text);
      for (var id : row.ids()) {
        writer.printf("%7d  %s%n", id, tokenizer.token(id));
      }
      writer.printf(
          "%s: %s%n",
          row.cut() ? "cut to " + row.ids().length + " tokens, which read" : "read back", back);
    }
  }
}
