/** Holds the OpenAPI document against Redocly's recommended rules: a warning is a fault, too. */

import { argv, exit } from "node:process";

import { createConfig, lint } from "@redocly/openapi-core";

const [document] = argv.slice(2);
const config = await createConfig({
  extends: ["recommended"],
  rules: {
    // There is none to be named.
    "info-license": "off",
    // Members that are not known are taken and kept: one of the examples has such.
    "no-invalid-media-type-examples": { severity: "error", allowAdditionalProperties: true },
  },
});
const problems = await lint({ ref: document, config });
for (const { ruleId, message, location } of problems) {
  console.error(`${ruleId}: ${message} (${location[0]?.pointer})`);
}
exit(problems.length === 0 ? 0 : 1);
