import { COUNTER_FORMATS, type CounterFormat, type Counters, formatCounters } from '../sim/counters.ts';
import { type CommandInput, UsageError } from './command.ts';
import type { FileUses } from './file-uses.ts';
import { OutputFile } from './output-file.ts';

/** The file that the counters of a run go to; the end of its name says in which form. */
export class CountersFile {
  private readonly file: OutputFile;
  private readonly format: CounterFormat;

  private constructor(files: FileUses, path: string, format: CounterFormat, newFolder: string | undefined) {
    this.file = new OutputFile(files, '--counters', path, newFolder);
    this.format = format;
  }

  /**
   * The file that the command line asks for, or undefined without one.
   *
   * @param newFolder as of {@link OutputFile}.
   * @throws {@link UsageError}
   */
  static of({ values, files }: CommandInput, newFolder: string | undefined): CountersFile | undefined {
    const path = values.get('counters');
    if (path === undefined) return undefined;
    const format = COUNTER_FORMATS.find((end) => path.endsWith(`.${end}`));
    if (format === undefined) {
      const allowed = COUNTER_FORMATS.map((end) => `.${end}`).join(', ');
      throw new UsageError(
        `--counters: ${JSON.stringify(path)} has no form; allowed a name that ends in ${allowed}`,
      );
    }
    return new CountersFile(files, path, format, newFolder);
  }

  /** Writes the file, in place of one of that name. */
  write(counters: Counters): void {
    this.file.write([formatCounters(counters, this.format)]);
  }
}
