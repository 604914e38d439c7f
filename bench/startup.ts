import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type BenchOptions, type BenchPart, type BenchResult, interleave } from './harness.ts';

/** Within the project, so that its own name resolves; compiled files lie one folder deeper than their sources. */
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** What `import 'sriovsim'` costs: a fresh process that does nothing else, against one with an empty module. */
export const part: BenchPart = {
  name: 'startup',
  async run(options: BenchOptions): Promise<BenchResult[]> {
    const importOnly =
      "const t = performance.now(); await import('sriovsim'); console.log(performance.now() - t);";
    const processes = await interleave(options, {
      unit: 'ms',
      timing: 'own',
      reference: 'process with an empty module',
      contenders: [
        { name: 'process with an empty module', run: () => processMs('export {};') },
        { name: "process with import 'sriovsim'", run: () => processMs("import 'sriovsim';") },
      ],
    });
    const alone = await interleave(options, {
      unit: 'ms',
      timing: 'own',
      contenders: [{ name: "import 'sriovsim' alone", run: () => Number(node(importOnly)) }],
    });
    return [...processes, ...alone];
  },
};

function processMs(source: string): number {
  const start = performance.now();
  node(source);
  return performance.now() - start;
}

function node(source: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: HERE,
    encoding: 'utf8',
  });
}
