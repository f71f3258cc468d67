"""The human study of Appendix E."""
