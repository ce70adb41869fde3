// ESLint's recommended rules, for the console as a browser loads it and for its tests as node runs them.

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/vendor/**", "**/node_modules/**", "**/build/**", "**/types/**"] },
  { files: ["**/*.js"], ...js.configs.recommended, languageOptions: { globals: globals.browser } },
  { files: ["**/*.js"], rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" } },
  { files: ["**/*.test.js"], languageOptions: { globals: globals.node } },
];
