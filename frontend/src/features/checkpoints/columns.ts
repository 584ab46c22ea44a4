/** Of the table, for lines that go over all of them. */
export const COLUMNS = 9;
