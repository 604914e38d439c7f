import { COUNTER_FORMATS, type CounterFormat, type Counters, formatCounters } from '../sim/counters.ts';
import { UsageError } from './command.ts';
import { OutputFile } from './output-file.ts';

/** The file that the counters of a run go to; the end of its name says in which form. */
export class CountersFile {
  private readonly file: OutputFile;
  private readonly format: CounterFormat;

  private constructor(path: string, format: CounterFormat, newFolder: string | undefined) {
    this.file = new OutputFile('--counters', path, newFolder);
    this.format = format;
  }

  /**
   * The file of that path, or undefined without one.
   *
   * @param newFolder as of {@link OutputFile}.
   * @throws {@link UsageError}
   */
  static of(path: string | undefined, newFolder: string | undefined): CountersFile | undefined {
    if (path === undefined) return undefined;
    const format = COUNTER_FORMATS.find((end) => path.endsWith(`.${end}`));
    if (format === undefined) {
      const allowed = COUNTER_FORMATS.map((end) => `.${end}`).join(', ');
      throw new UsageError(
        `--counters: ${JSON.stringify(path)} has no form; allowed a name that ends in ${allowed}`,
      );
    }
    return new CountersFile(path, format, newFolder);
  }

  /** Writes the file, in place of one of that name. */
  write(counters: Counters): void {
    this.file.write([formatCounters(counters, this.format)]);
  }
}
