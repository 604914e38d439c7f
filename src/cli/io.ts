/** Where a command writes. */
export interface Io {
  /** Resolves when the text is handed over. A reader who has gone is no error: the rest is dropped. */
  stdout(text: string): Promise<void>;
  stderr(text: string): void;
  /** Whether somebody watches the standard error output. */
  stderrIsTerminal: boolean;
}

/** The streams of this process. */
export function processIo(): Io {
  let readerGone = false;
  // Whoever writes learns of any other error from the write itself.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') readerGone = true;
  });
  // Nobody is left to be told when the standard error output fails.
  process.stderr.on('error', () => {});
  return {
    stdout: (text) =>
      new Promise((resolve, reject) => {
        if (readerGone) return resolve();
        process.stdout.write(text, (error) => {
          if (error == null || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
          else reject(error);
        });
      }),
    stderr: (text) => {
      process.stderr.write(text);
    },
    stderrIsTerminal: process.stderr.isTTY === true,
  };
}

/** Text for one line: what would break it or move the cursor is escaped. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
    return short ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
