import js from "@eslint/js";
import boundaries from "eslint-plugin-boundaries";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

/** What a folder may import: the app everything, a feature itself and shared, shared only itself. */
const layers = {
  files: ["src/**"],
  plugins: { boundaries },
  settings: {
    "import/resolver": { typescript: true },
    "boundaries/elements": [
      { type: "app", pattern: "src/app" },
      { type: "feature", pattern: "src/features/*", capture: ["name"] },
      { type: "shared", pattern: "src/shared" },
    ],
  },
};

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/shared/api/schema.d.ts"] },
  js.configs.recommended,
  { files: ["**/*.{ts,tsx}"], extends: tseslint.configs.strictTypeChecked, languageOptions: { parserOptions: { projectService: true } } },
  { files: ["src/**/*.tsx"], ...a11y.flatConfigs.recommended },
  { files: ["src/**/*.{ts,tsx}"], plugins: { "react-hooks": hooks }, rules: hooks.configs.recommended.rules },
  layers,
  {
    files: ["**/*.{ts,tsx}"],
    rules: {
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", { max: 90, skipBlankLines: true }],
      "max-params": ["error", 5],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  { files: ["public/**", "scripts/**"], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
);
