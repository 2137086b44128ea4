/**
 * The two forms of an evaluation: a page for people, in one file that needs nothing else, and all numbers for
 * programs. Both say the same and are written whole or not at all. Start reading at {@link
 * dev.instaflow.train.evaluate.report.Report}.
 */
package dev.instaflow.train.evaluate.report;
