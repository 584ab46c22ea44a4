import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const forbid = (files, group, message) => ({ files, rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] } });

/** One way only: app -> features -> shared. A feature's own files are imported as "./file". */
const layers = [
  forbid(["src/shared/**"], ["@/features/**", "@/app/**", "**/../features/**", "**/../app/**"], "shared knows neither features nor app"),
  forbid(["src/features/**"], ["@/features/**", "@/app/**", "../*"], "a feature imports itself (./) and shared (@/shared), nothing sideways"),
];

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/shared/api/schema.d.ts"] },
  js.configs.recommended,
  { files: ["**/*.{ts,tsx}"], extends: tseslint.configs.strictTypeChecked, languageOptions: { parserOptions: { projectService: true } } },
  { files: ["src/**/*.tsx"], ...a11y.flatConfigs.recommended },
  { files: ["src/**/*.{ts,tsx}"], plugins: { "react-hooks": hooks }, rules: hooks.configs.recommended.rules },
  ...layers,
  {
    files: ["**/*.{ts,tsx}"],
    rules: {
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", { max: 40, skipBlankLines: true }],
      "max-params": ["error", 5],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  { files: ["public/**", "scripts/**"], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
);
