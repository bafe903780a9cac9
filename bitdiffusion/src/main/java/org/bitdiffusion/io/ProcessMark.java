package org.bitdiffusion.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.regex.Matcher;

/**
 * Which process makes a file, as a part of its name, so that others can tell whether it was left by
 * one that is no more. A number alone does not tell: in a container, each start has the same.
 *
 * @param pid its number
 * @param start when it began, on a clock of its system
 * @param place by which numbers and clock go, the machine since its start and the container in it
 */
record ProcessMark(long pid, long start, String place) {
  /** As in names; with a group for each component. */
  static final String PATTERN = "(\\d{1,18})-(\\d{1,18})-([0-9a-f]{8})";

  private static final String PLACE = findPlace();
  private static final ProcessMark OWN =
      new ProcessMark(ProcessHandle.current().pid(), startOf(ProcessHandle.current().pid()), PLACE);

  /** That of this process. */
  static ProcessMark own() {
    return OWN;
  }

  /**
   * Reads one.
   *
   * @param name that {@link #PATTERN} has matched
   * @param group the first of its groups
   */
  static ProcessMark of(Matcher name, int group) {
    return new ProcessMark(
        Long.parseLong(name.group(group)),
        Long.parseLong(name.group(group + 1)),
        name.group(group + 2));
  }

  /**
   * Whether a file with this mark was left, and may be deleted: it is this user's, and its process
   * is no more. Of one that runs elsewhere, on another machine or in another container, that cannot
   * be known; its files are taken for left when nothing was written to them for long.
   *
   * @param own a file of this process beside it
   * @throws IOException if it is gone meanwhile, or cannot be looked at
   */
  boolean isLeft(Path file, Path own, Instant now, Duration patience) throws IOException {
    return !runs()
        && hasSameOwner(file, own)
        && (place.equals(PLACE) || isOlder(file, now, patience));
  }

  /** The same of a file whose process is not known. */
  static boolean isLeftByUnknown(Path file, Path own, Instant now, Duration patience)
      throws IOException {
    return hasSameOwner(file, own) && isOlder(file, now, patience);
  }

  private boolean runs() {
    return ProcessHandle.of(pid).isPresent() && startOf(pid) == start;
  }

  private static boolean hasSameOwner(Path file, Path own) throws IOException {
    try {
      return Files.getOwner(file, LinkOption.NOFOLLOW_LINKS)
          .equals(Files.getOwner(own, LinkOption.NOFOLLOW_LINKS));
    } catch (UnsupportedOperationException e) {
      return true; // a file system without owners
    }
  }

  private static boolean isOlder(Path file, Instant now, Duration patience) throws IOException {
    return Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS)
        .toInstant()
        .plus(patience)
        .isBefore(now);
  }

  /**
   * 0 if it cannot be known. Of Linux, the ticks from the machine's start, which do not change when
   * its clock is set.
   */
  private static long startOf(long pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      // The second field, a name in brackets, may hold anything; the 22nd is the 20th behind it.
      return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
    } catch (IOException e) {
      return ProcessHandle.of(pid)
          .flatMap(process -> process.info().startInstant())
          .map(Instant::toEpochMilli)
          .orElse(0L);
    }
  }

  /** Where the system does not tell, one that is nowhere else, so that nothing is certain. */
  private static String findPlace() {
    String name;
    try {
      name =
          Files.readString(Path.of("/proc/sys/kernel/random/boot_id"))
              + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      name = UUID.randomUUID().toString();
    }
    return "%08x".formatted(UUID.nameUUIDFromBytes(name.getBytes(UTF_8)).hashCode());
  }

  @Override
  public String toString() {
    return pid + "-" + start + "-" + place;
  }
}
