package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The command in a process of its own that is asked to end, as by Ctrl-C or by a system. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class StopTest {
  private static final String ENDLESS =
      "train --preset icons --data icons,size=8,subset=16 --out run --steps 1000000"
          + " --checkpoint-every 1000000 --log-every 1 --threads 1 --set network.width=8"
          + " --set network.multipliers=[1] --set network.attention=[]"
          + " --set training.batch_size=4 --set sampling.steps=2";

  @TempDir private Path folder;

  @Test
  @Timeout(60)
  void savesSaysSoAndIsContinued() throws IOException, InterruptedException {
    var process = start(Main.class, ENDLESS.split(" "));
    var metrics = folder.resolve("run/metrics.jsonl");
    while (process.isAlive() && (!Files.exists(metrics) || Files.size(metrics) == 0)) {
      Thread.sleep(20);
    }
    process.destroy();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();

    var done = Files.readAllLines(metrics).size();
    assertThat(process.exitValue()).as(read("err")).isEqualTo(128 + 15);
    assertThat(read("out").lines())
        .endsWith(
            "step " + done + " is saved in run", "to go on: bitdiff train --resume --out run");
    assertThat(folder.resolve("run/checkpoints/step-%08d".formatted(done))).isDirectory();
    assertThat(done).isPositive();

    var out = new StringWriter();
    var resume = "train --resume --out " + folder.resolve("run") + " --steps " + (done + 1);
    assertThat(
            Main.run(resume.split(" "), new PrintWriter(out), new PrintWriter(new StringWriter())))
        .isZero();
    assertThat(out.toString())
        .contains("continues after step " + done)
        .contains("step " + (done + 1) + " is saved in ");
    assertThat(Files.readAllLines(metrics)).hasSize(done + 1);
    samplesThatAreDrawnAreKept();
  }

  /** Of a long sampling too, what is there when it is stopped stays. */
  private void samplesThatAreDrawnAreKept() throws IOException, InterruptedException {
    var line = "sample --run run --n 100000 --batch-size 2 --steps 2 --threads 1 --out many";
    var process = start(Main.class, line.split(" "));
    while (process.isAlive() && !Files.exists(folder.resolve("many/000001.png"))) {
      Thread.sleep(20);
    }
    process.destroy();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(read("err")).isEqualTo(128 + 15);
    try (var files = Files.list(folder.resolve("many"))) {
      assertThat(read("out")).startsWith("stopped: %d samples in ".formatted(files.count()));
    }
  }

  /** Work that takes a while to stop, and to say what came of it. */
  static final class Slow {
    public static void main(String[] args) {
      var stopped = new CountDownLatch(1);
      UntilStopped.run(
          () -> {
            System.out.println("works");
            try {
              stopped.await();
              Thread.sleep(300);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            System.out.println("reports");
          },
          stopped::countDown);
    }
  }

  @Test
  @Timeout(30)
  void theProcessWaitsForTheReport() throws IOException, InterruptedException {
    var process = start(Slow.class);
    while (process.isAlive() && read("out").isEmpty()) {
      Thread.sleep(20);
    }
    process.destroy();
    assertThat(process.waitFor()).isEqualTo(128 + 15);
    assertThat(read("out").lines()).containsExactly("works", "reports");
  }

  private Process start(Class<?> program, String... args) throws IOException {
    var builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Djava.awt.headless=true",
            "-cp",
            System.getProperty("java.class.path"),
            program.getName());
    builder.command().addAll(List.of(args));
    return builder
        .directory(folder.toFile())
        .redirectOutput(folder.resolve("out").toFile())
        .redirectError(folder.resolve("err").toFile())
        .start();
  }

  private String read(String name) throws IOException {
    return Files.readString(folder.resolve(name));
  }
}
