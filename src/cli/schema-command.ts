import { formatJson } from '../sim/report-json.ts';
import { scenarioJsonSchema } from '../sim/scenario-schema.ts';
import { type Command, EXIT } from './command.ts';

/** `sriovsim schema` */
export const schemaCommand: Command = {
  usage: '',
  summary: 'Prints the JSON Schema of scenario files.',
  options: {},
  parameters: [],
  async run(_input, io) {
    await io.stdout(formatJson(scenarioJsonSchema()));
    return EXIT.done;
  },
};
