/**
 * `npm run bench [-- PART...] [--json] [--quick] [--samples N]`: runs benchmark parts, each in a process of
 * its own, so that what the compiler learnt from one part does not shape the next.
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BenchOptions, BenchPart, BenchResult } from './harness.ts';
import { INLINING_FLAGS } from './inlining.ts';
import { formatTable } from './table.ts';

/** The file of a part is `<name>.ts` next to this one. */
const PARTS = ['base', 'kernel', 'config', 'iommu', 'switch', 'codec', 'link', 'machine', 'log', 'startup'];
const MAX_SAMPLES = 1000;

interface Command {
  parts: string[];
  json: boolean;
  options: BenchOptions;
}

if (process.send === undefined) process.exitCode = await runAll(process.argv.slice(2));
else process.once('message', (order: Order) => void answer(order));

async function runAll(args: string[]): Promise<number> {
  const command = parse(args);
  if (typeof command === 'string') {
    console.error(command);
    return 2;
  }
  let status = 0;
  const benchmarks: BenchResult[] = [];
  for (const name of command.parts) {
    const url = partUrl(name);
    if (!existsSync(fileURLToPath(url))) {
      console.error(`bench: the part '${name}' has no file bench/${name}.ts`);
      status = 1;
      continue;
    }
    if (process.stderr.isTTY) process.stderr.write(`${name} ...\n`);
    try {
      const results = await runApart({ url, options: command.options });
      benchmarks.push(...results.map((result) => ({ ...result, name: `${name}: ${result.name}` })));
      if (!command.json) console.log(`${name}\n${formatTable(results)}\n`);
    } catch (error) {
      console.error(`bench: the part '${name}' failed: ${(error as Error).message}`);
      status = 1;
    }
  }
  if (command.json) console.log(JSON.stringify({ benchmarks }, null, 2));
  return status;
}

function parse(args: string[]): Command | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        samples: { type: 'string' },
      },
    });
    for (const part of positionals) {
      if (!PARTS.includes(part)) return `bench: no part '${part}'; there are ${PARTS.join(', ')}`;
    }
    const samples = values.samples === undefined ? (values.quick ? 3 : 9) : Number(values.samples);
    if (!Number.isInteger(samples) || samples < 1 || samples > MAX_SAMPLES) {
      return `bench: --samples must be an integer from 1 to ${MAX_SAMPLES}, got '${values.samples}'`;
    }
    const parts = positionals.length > 0 ? positionals : PARTS;
    return { parts, json: values.json, options: { samples, quick: values.quick } };
  } catch (error) {
    return `bench: ${(error as Error).message.split('\n')[0]}`;
  }
}

function partUrl(name: string): string {
  // The ending of this very file: .js when compiled, .ts where Node runs TypeScript itself.
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  return new URL(`./${name}${ending}`, import.meta.url).href;
}

interface Order {
  url: string;
  options: BenchOptions;
}
type Answer = { results: BenchResult[] } | { error: string };

function runApart(order: Order): Promise<BenchResult[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), {
      execArgv: [...process.execArgv, '--expose-gc', ...INLINING_FLAGS],
      // What a part prints goes to stderr: stdout is for the table or the JSON document.
      stdio: ['ignore', 2, 'inherit', 'ipc'],
    });
    let answered: Answer = { error: 'it ended without a result' };
    child.once('message', (message: Answer) => {
      answered = message;
    });
    child.once('error', reject);
    child.once('close', () => {
      if ('results' in answered) resolve(answered.results);
      else reject(new Error(answered.error));
    });
    child.send(order);
  });
}

async function answer(order: Order): Promise<void> {
  let message: Answer;
  try {
    const { part } = (await import(order.url)) as { part: BenchPart };
    message = { results: await part.run(order.options) };
  } catch (error) {
    message = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(message, () => process.disconnect());
}
