import { formatJson } from '../sim/report-json.ts';
import { type Command, EXIT } from './command.ts';
import { loadScenario } from './load-scenario.ts';
import { plural } from './numbers.ts';

/** `sriovsim validate` */
export const validateCommand: Command = {
  usage: 'SCENARIO.json [--json]',
  summary: 'Checks a scenario without running it.',
  options: { json: { about: 'Print the scenario with every default filled in, as JSON.' } },
  parameters: ['SCENARIO.json'],
  async run({ files, parameters: [file], flags }, io) {
    const { scenario } = loadScenario(files, file);
    if (flags.has('json')) {
      await io.stdout(formatJson(scenario));
      return EXIT.done;
    }
    const parts = [
      plural(scenario.guests.length, 'guest'),
      plural(scenario.nic.vfs, 'VF'),
      plural(scenario.flows.length, 'flow'),
      plural(scenario.captures.length, 'capture'),
    ];
    await io.stdout(`${file}: valid: ${parts.join(', ')}\n`);
    return EXIT.done;
  },
};
