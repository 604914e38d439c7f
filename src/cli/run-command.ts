import { SCENARIO_RANGES } from '../sim/scenario-limits.ts';
import type { LoadedScenario } from '../sim/scenario-resolve.ts';
import { type Command, type CommandInput, EXIT, UsageError } from './command.ts';
import { numberOption } from './command-line.ts';
import { CountersFile } from './counters-file.ts';
import { INTERRUPT_STATUS } from './interrupts.ts';
import { loadScenario } from './load-scenario.ts';
import { OutFolder } from './out-folder.ts';
import { checkEnding, OutputFile } from './output-file.ts';
import { ProgressLine } from './progress.ts';
import { otherResult } from './recorded-run.ts';
import { type Logging, MAX_LAST, RunLog } from './run-log-file.ts';
import { deliver } from './run-results.ts';
import { type Runnable, runToEnd } from './run-simulation.ts';
import { resumeFrom, SnapshotFile, type Snapshots } from './snapshot-file.ts';

/** What `--out` always holds. */
const OUT_FILES = ['report.json', 'report.txt', 'scenario.resolved.json'] as const;

/** `sriovsim run`, with a way to make the simulation and to log it, so that it can be tried with another one. */
export function makeRunCommand<S extends Runnable>(
  makeSimulation: (loaded: LoadedScenario) => S,
  logging: Logging<S>,
  snapshots: Snapshots<S>,
): Command {
  return {
    usage:
      '{SCENARIO.json [--seed N] [--duration-ms X] | --resume FILE} [--json] [--out DIR] [--capture FILE.pcapng] [--log FILE] [--log-last N] [--counters FILE.{json,csv,prom}] [--snapshot FILE [--snapshot-at-ms X]] [--no-wall]',
    summary: 'Runs a scenario, or once more that of a report, and prints the report.',
    options: {
      json: { about: 'Print the report as one JSON document.' },
      seed: { value: 'N', about: 'Use another seed than the scenario.' },
      'duration-ms': { value: 'X', about: 'Measure so many simulated ms instead of what the scenario says.' },
      out: {
        value: 'DIR',
        about:
          'Also write report.json, report.txt, scenario.resolved.json, and scenario.json to run it again, into a folder.',
      },
      capture: {
        value: 'FILE.pcapng',
        about: 'Also write the frames that the card saw into a file, for Wireshark.',
      },
      log: {
        value: 'FILE',
        about: 'Also write every event into a binary log, from which other views are made.',
      },
      'log-last': {
        value: 'N',
        about: `Keep only the last N records of the log. Without --log they are written when the run fails, to ${RunLog.FAILURE_FILE}.`,
      },
      counters: {
        value: 'FILE.{json,csv,prom}',
        about: 'Also write every counter of every component, as JSON, CSV or Prometheus text.',
      },
      snapshot: {
        value: 'FILE',
        about:
          'Also write the state of the whole machine into a file when the run ends or is interrupted, to go on from there.',
      },
      'snapshot-at-ms': {
        value: 'X',
        about: 'Write it X simulated ms after the traffic began instead, and go on.',
      },
      resume: { value: 'FILE', about: 'Go on from a snapshot, which has its scenario in it.' },
      'no-wall': { about: 'Leave out what depends on this machine, so that two runs give the same bytes.' },
    },
    parameters: [],
    optional: ['SCENARIO.json'],
    async run(input, io) {
      const [file] = input.parameters;
      const resumed = resumeOption(this, input);
      const loaded = resumed === undefined ? loadScenario(input.files, file, overrides(input)) : null;
      const simulation =
        loaded === null ? resumeFrom(input.files, snapshots, resumed as string) : makeSimulation(loaded);
      const outPath = input.values.get('out');
      const capturePath = input.values.get('capture');
      if (capturePath !== undefined) checkEnding('--capture', capturePath, 'pcapng', ['.pcap', '.cap']);
      // Before the folder is made: of what is wrong, nothing is left behind.
      const captureFile =
        capturePath === undefined
          ? undefined
          : new OutputFile(input.files, '--capture', capturePath, outPath);
      const logPath = input.values.get('log');
      const last = numberOption(input, 'log-last', [1, MAX_LAST], 'integer');
      const logFile =
        logPath === undefined ? undefined : new OutputFile(input.files, '--log', logPath, outPath);
      const snapshot = SnapshotFile.of(input, outPath, simulation, snapshots);
      const countersFile = CountersFile.of(input, outPath);
      if (last !== undefined && logFile === undefined) input.files.write('--log-last', RunLog.FAILURE_FILE);
      const out =
        outPath === undefined
          ? undefined
          : new OutFolder(
              input.files,
              outPath,
              loaded === null ? OUT_FILES : ['scenario.json', ...OUT_FILES],
            );
      try {
        const capture = captureFile === undefined ? undefined : simulation.captureFrames();
        const log = RunLog.start(logging, simulation, logFile, last);

        const progress = new ProgressLine(io);
        const { report, interruptedBy } = await runToEnd(simulation, progress.listener, snapshot?.moment)
          .finally(() => progress.clear())
          .catch((error: unknown) => {
            log?.fail(error, io);
            throw error;
          });
        log?.end();
        snapshot?.end();
        if (input.flags.has('no-wall')) delete report.wall;
        if (capture !== undefined) captureFile?.write(capture.parts());
        countersFile?.write(report.counters);
        const source = loaded === null ? null : { loaded, file };
        await deliver(report, source, input.flags.has('json'), out, io);
        if (interruptedBy !== null) return INTERRUPT_STATUS[interruptedBy];
        const other = otherResult(loaded?.recorded ?? null, file, report);
        if (other === null) return EXIT.done;
        io.stderr(other);
        return EXIT.failed;
      } catch (error) {
        out?.discard();
        throw error;
      }
    },
  };
}

/**
 * The file of `--resume`, or undefined where there is a scenario.
 *
 * @throws {@link UsageError} for both, and for neither.
 */
function resumeOption({ usage }: Command, { parameters, values }: CommandInput): string | undefined {
  const resumed = values.get('resume');
  if (resumed === undefined) {
    if (parameters.length === 0) throw new UsageError(`run: SCENARIO.json is missing; allowed run ${usage}`);
    return undefined;
  }
  const extra = [...parameters, ...['seed', 'duration-ms'].filter((name) => values.has(name))];
  if (extra.length > 0) {
    throw new UsageError(
      `--resume: goes on with the scenario of the snapshot; allowed without SCENARIO.json, --seed and --duration-ms`,
    );
  }
  return resumed;
}

function overrides(input: CommandInput) {
  const seed = numberOption(input, 'seed', SCENARIO_RANGES.seed, 'integer');
  const durationMs = numberOption(input, 'duration-ms', SCENARIO_RANGES.durationMs);
  return { ...(seed !== undefined && { seed }), ...(durationMs !== undefined && { durationMs }) };
}
