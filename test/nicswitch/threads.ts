import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';

/** A module of this folder as a script that a thread runs: Node 20 reads no TypeScript. */
export async function threadScript(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
  });
  return outputFiles[0].text;
}

/** A thread, and the message that it ends with. */
export interface Thread<Result> {
  worker: Worker;
  result: Promise<Result>;
}

/** Starts a thread that posts one message and ends. */
export function startThread<Result>(script: string, workerData: unknown): Thread<Result> {
  const worker = new Worker(script, { eval: true, workerData });
  const result = new Promise<Result>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a thread ended with ${code} and no message`)));
  });
  return { worker, result };
}
